"""What is done to codes before they are clustered or embedded."""
