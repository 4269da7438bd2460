"""Where rows come from: a folder for each kind of source, and what harvests over a network share."""
