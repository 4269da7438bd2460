"""What is matched: tables, their positions, motions and dates."""
