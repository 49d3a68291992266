// What the page of an email to make one's own loads.
import "./dc-copy.js";
import "./dc-own.js";
import "./dc-take.js";
