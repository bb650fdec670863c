(() => {
  "use strict";
  const root = document.documentElement;
  try {
    const chosen = localStorage.getItem("theme") || localStorage.getItem("chakra-ui-color-mode");
    if (chosen === "dark" || chosen === "light") root.dataset.theme = chosen;
  } catch (refused) { /* a browser without storage keeps the system's colours */ }

  const say = (form, text, bad) => {
    const out = form.querySelector("output");
    out.textContent = text;
    out.classList.toggle("bad", Boolean(bad));
  };

  const values = (form) => {
    const body = {};
    for (const [name, value] of new FormData(form)) {
      if (form.elements[name].dataset.kind === "list") {
        body[name] = String(value).split(/[,，]/).map((one) => one.trim()).filter(Boolean);
      } else if (form.elements[name].type === "number") {
        if (value !== "") body[name] = Number(value);
      } else {
        body[name] = value;
      }
    }
    return body;
  };

  const request = (form) => {
    const file = form.querySelector("input[type=file]");
    if (!file) {
      const headers = { "Content-Type": "application/json" };
      if (form.dataset.version) headers["If-Match"] = `"${form.dataset.version}"`;
      const method = form.dataset.method;
      return [form.dataset.url, { method, headers, body: method === "DELETE" ? "{}" : JSON.stringify(values(form)) }];
    }
    const query = new URLSearchParams({ file: file.files[0].name, function: form.elements.function.value });
    return [`${form.dataset.url}?${query}`, {
      method: "POST", headers: { "Content-Type": "application/octet-stream" }, body: file.files[0],
    }];
  };

  const after = (form, answer) => {
    if (form.dataset.next) {
      location.assign(form.dataset.next.replace("ID", encodeURIComponent(answer.id || "")));
      return;
    }
    const words = form.dataset[answer.run_id ? "started" : "byhand"];
    say(form, words.replace("NAME", answer.name).replace("NAME", answer.name)
      .replace("RUN", answer.run_id || "").replace("REASON", answer.reason || ""), !answer.run_id);
  };

  const submit = async (event) => {
    event.preventDefault();
    const form = event.target;
    const button = form.querySelector("button");
    button.disabled = true;
    say(form, form.dataset.working);
    try {
      const [url, options] = request(form);
      const answer = await fetch(url, { credentials: "same-origin", ...options });
      const body = answer.status === 204 ? {} : await answer.json();
      if (answer.ok) after(form, body);
      else say(form, body.detail || String(answer.status), true);
    } catch (error) {
      say(form, `${form.dataset.failed}: ${error.message}`, true);
    }
    button.disabled = false;
  };

  for (const form of document.querySelectorAll("form[data-url]")) form.addEventListener("submit", submit);
})();
