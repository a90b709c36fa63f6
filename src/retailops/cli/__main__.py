"""`python -m retailops.cli`: how our processes start each other, whatever is on PATH."""

from retailops.cli import main

if __name__ == "__main__":
    main()
