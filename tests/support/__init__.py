"""What several test folders share: real servers, and the small tasks they serve."""
