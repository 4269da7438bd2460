"""Files to spectra of specutils, and each row's own among those of its file."""
