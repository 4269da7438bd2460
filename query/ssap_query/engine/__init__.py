"""From a query to rows."""
