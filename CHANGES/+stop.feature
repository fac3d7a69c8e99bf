The one-command server stops in a second or two. It took more than four.
