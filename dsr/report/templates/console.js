// Airflow shows these pages in a frame that may not lead the whole window elsewhere: a link that is to do so is followed
// by the window around it. Without this script such a link opens when the page stands alone.
"use strict";
if (window.parent !== window) document.addEventListener("click", (event) => {
  const link = event.target.closest("a[target=_top]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  const outside = window.parent.document.createElement("a");
  outside.href = link.href;
  outside.click();
});
