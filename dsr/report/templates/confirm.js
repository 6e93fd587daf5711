(function () {
  var link = document.getElementById("link"), language = document.querySelector(".language");
  if (!link) return;
  if (location.hash.length > 1) {
    link.value = location.href;
    history.replaceState(null, "", location.pathname + location.search);
  }
  language.addEventListener("click", function () {
    language.hash = link.value.split("#")[1] || "";
  });
})();
