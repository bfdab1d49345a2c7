"""One module per group of figures. Each has NAMES, what it prints, and measure(report)."""
