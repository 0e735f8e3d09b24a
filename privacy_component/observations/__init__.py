"""What an attacker sees of each example, and the slices that examples fall into."""
