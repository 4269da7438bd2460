"""What people type: values with units, lists of positions."""
