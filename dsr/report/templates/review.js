"use strict";
// Without this script every form is sent, and the page comes again. With it: keys, and decisions without a reload.
const keys = { r: "released", m: "masked", w: "withheld", a: "agree" };
const articles = () => [...document.querySelectorAll("article")];

function focusOn(article) {
  if (article) { article.focus(); article.scrollIntoView({ block: "nearest" }); }
}

function step(by) {
  const all = articles();
  const at = all.indexOf(document.activeElement.closest("article"));
  focusOn(all[Math.min(all.length - 1, Math.max(0, at + by))]);
}

async function decide(event) {
  const { submitter, target: form } = event;
  const article = form.closest("article");
  if (!article || !article.matches(".item")) return;
  event.preventDefault();
  const fields = new URLSearchParams(new FormData(form));
  fields.set("verdict", submitter.value);
  const output = article.querySelector("output");
  output.textContent = "…";
  try {
    const answer = await fetch(form.action, { method: "POST", body: fields, headers: { Accept: "application/json" } });
    if (!answer.ok) { output.textContent = await answer.text(); return; }
    const done = await answer.json();
    article.dataset.state = done.verdict;
    form.elements.state.value = done.state;
    output.textContent = done.verdict;
    document.getElementById("open").textContent = done.open;
    const unseconded = document.getElementById("unseconded");
    if (unseconded) unseconded.textContent = done.unseconded;
    const progress = document.querySelector("progress");
    progress.value = progress.max - done.open;
    step(1);
  } catch {
    output.textContent = "Not saved: the server can't be reached. Try again.";
  }
}

document.addEventListener("submit", decide);
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("textarea, select, input[type=text]")) return;
  if (event.key === "j") return step(1);
  if (event.key === "k") return step(-1);
  const article = document.activeElement.closest("article");
  const button = keys[event.key] && article && article.querySelector(`button[value="${keys[event.key]}"]:enabled`);
  if (button) { event.preventDefault(); button.click(); }
});
focusOn(document.querySelector('article[data-state="open"]'));
