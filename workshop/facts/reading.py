"""What `workshop.judging` offers for answers, under the name that lessons of other people's import it by."""

from ..judging import SHELLS, command_of, interactive, is_shell, kinds_named, layers_of, means, number, typed

__all__ = ["SHELLS", "command_of", "interactive", "is_shell", "kinds_named", "layers_of", "means", "number", "typed"]
