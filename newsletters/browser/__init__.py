"""Browser: headless Chromium, for screenshots and axe."""
