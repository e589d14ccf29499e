"""What is owed: jobs, from the moment somebody asks until their results are past their time."""
