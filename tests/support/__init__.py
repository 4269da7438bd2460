"""What several tests share: simulated services, tables, mirrors, and where things lie."""
