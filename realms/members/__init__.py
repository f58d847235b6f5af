"""Members: the people of a realm besides its owner, what each may do, and how they come and go."""
