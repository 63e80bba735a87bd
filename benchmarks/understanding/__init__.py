"""Long measurements of what networks have learned."""
