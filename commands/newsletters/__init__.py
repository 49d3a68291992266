"""Commands about newsletters and toolkits: write, check, preview, test, store."""
