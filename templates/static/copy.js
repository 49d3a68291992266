// Copy buttons: with looks for editors that keep them, as plain text for those that don't. Without script the
// buttons stay hidden and the text can be selected by hand.
"use strict";

const status = document.getElementById("copy-status");

function plainText(source) {
  const written = document.querySelector(`textarea[data-for="${source.id}"]`);
  return written ? written.value : source.textContent.trim();
}

async function copy(source) {
  const text = plainText(source);
  const looks = !("plainOnly" in source.dataset);
  if (navigator.clipboard && window.ClipboardItem && looks) {
    const item = {
      "text/plain": new Blob([text], { type: "text/plain" }),
      "text/html": new Blob([source.innerHTML], { type: "text/html" }),
    };
    return navigator.clipboard.write([new ClipboardItem(item)]);
  }
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  // Browsers offer the clipboard on https only; this older way works everywhere.
  const fill = (event) => {
    event.preventDefault();
    event.clipboardData.setData("text/plain", text);
    if (looks) event.clipboardData.setData("text/html", source.innerHTML);
  };
  document.addEventListener("copy", fill);
  const done = document.execCommand("copy");
  document.removeEventListener("copy", fill);
  if (!done) throw new Error("the browser refused to copy");
}

function select(source) {
  const range = document.createRange();
  range.selectNodeContents(source);
  const selection = window.getSelection();
  selection.removeAllRanges();
  selection.addRange(range);
}

for (const button of document.querySelectorAll("button[data-copy]")) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    const source = document.getElementById(button.dataset.copy);
    try {
      await copy(source);
      button.classList.add("copied");
      status.textContent = "Copied";
    } catch {
      select(source);
      status.textContent = "The text is selected: copy it with your keyboard or menu";
    }
    setTimeout(() => {
      button.classList.remove("copied");
      status.textContent = "";
    }, 2500);
  });
}
