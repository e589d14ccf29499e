"""How models are doing: what they are asked, how long they take, whether they were right, whether questions change."""
