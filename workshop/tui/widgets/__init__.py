"""What the screens are made of, a widget a module; each only shows what it is handed."""
