"""The screens: the lesson map, a step, and help."""
