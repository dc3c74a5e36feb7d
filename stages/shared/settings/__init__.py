"""What `params.yaml` may hold: a class for each mapping in it, checked by pydantic."""
