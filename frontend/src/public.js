// What a toolkit's public page loads.
import "./dc-copy.js";
