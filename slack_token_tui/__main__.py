import sys

from slack_token_tui.cli.main import main

sys.exit(main())
