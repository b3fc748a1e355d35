"""ELBv2, Auto Scaling and ECS by moto, behind LocalStack's gateway."""
