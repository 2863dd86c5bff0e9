from imitbench.cli import main

raise SystemExit(main())
