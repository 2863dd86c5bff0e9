from imitbench.cli.main import main

raise SystemExit(main())
