"""What a request finds, to look through: a page of it in any order, and what all of it has to say in numbers."""
