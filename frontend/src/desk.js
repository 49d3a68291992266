// What every page of the desk loads. Pages work without it: it saves steps.
import "./htmx-settings.js"; // first, as htmx reads its settings when it is loaded
import "htmx.org";
import "./dc-copy.js";
import "./dc-live.js";
import "./dc-once.js";
import "./dc-order.js";
import "./dc-slices.js";
import "./dc-upload.js";
import "./dc-words.js";
import "./dc-autosave.js";
import "./dc-checks.js";
import "./dc-preview.js";
import "./dc-source.js";
import "./dc-tabs.js";
