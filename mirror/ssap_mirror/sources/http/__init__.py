"""How requests go out, and what their failures mean."""
