"""Who may: nothing yet; everybody on this machine is one owner until there is sign-in."""
