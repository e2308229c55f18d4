"""Mathematics of this project: bounds that no paper states, what they are computed with, and how bounds relate."""
