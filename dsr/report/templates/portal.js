(function () {
  var link = document.getElementById("link"), code = document.getElementById("code");
  var language = document.querySelector(".language");
  if (location.hash.length > 1) {
    link.value = location.href;
    history.replaceState(null, "", location.pathname + location.search);
  }
  language.addEventListener("click", function () {
    language.hash = link.value.split("#")[1] || "";
  });
  var ends = /\.(\d{9,11})$/.exec(link.value);
  if (ends) {
    var moment = new Date(ends[1] * 1000), shown = document.getElementById("expiry");
    var form = { day: "numeric", month: "long", year: "numeric", hour: "2-digit", minute: "2-digit", timeZoneName: "short" };
    shown.dateTime = moment.toISOString();
    shown.textContent = moment.toLocaleString(document.documentElement.lang === "en" ? "en-GB" : "sv-SE", form);
    document.getElementById("expiry-general").hidden = true;
    document.getElementById("expiry-known").hidden = false;
  }
  (link.value ? code : link).focus();
})();
