"""Where rows come from: an SSAP service, a TAP service or a file, behind one interface."""
