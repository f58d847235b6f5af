// What pages do besides what HTML does by itself. Everything works without it, if less promptly.

const SECOND = 1000;
const UNITS = [
  ["day", 86400],
  ["hour", 3600],
  ["minute", 60],
  ["second", 1],
];
const relative = new Intl.RelativeTimeFormat("en", { numeric: "always", style: "short" });

function said(seconds) {
  const [unit, size] = UNITS.find(([, size]) => Math.abs(seconds) >= size) ?? UNITS.at(-1);
  return relative.format(Math.trunc(seconds / size), unit);
}

function tellTime() {
  for (const time of document.querySelectorAll("time[data-relative]")) {
    time.textContent = said((Date.parse(time.dateTime) - Date.now()) / SECOND);
  }
}

async function copy(button) {
  const text = document.getElementById(button.dataset.copy).textContent;
  await navigator.clipboard.writeText(text);
  button.textContent = "Copied";
  setTimeout(() => (button.textContent = "Copy"), 2 * SECOND);
}

// The realm's feed says which topics changed. What shows them ({% live %}) is then replaced by itself as the
// page has it now, all of it with one request.
const TOPICS = ["control", "traffic"];
const missed = new Set();
let isAsking = false;
let isLeaving = false;
let isPressed = false; // what is replaced between press and release is not clicked

// What one should know although nobody asked; a second time in the same place.
function say(id, kind, words) {
  const note = document.getElementById(id) ?? document.createElement("p");
  note.id = id;
  note.className = `note ${kind}`;
  note.role = "alert";
  note.textContent = words;
  return note;
}

function refresh(topics) {
  topics.forEach((topic) => missed.add(topic));
  if (isAsking || isLeaving || isPressed || document.hidden) return; // asked when that is over
  const places = [...document.querySelectorAll("[data-live]")];
  const stale = places.filter((place) => place.dataset.live.split(" ").some((topic) => missed.has(topic)));
  missed.clear();
  if (stale.length === 0) return;
  const selectOOB = stale.map((place) => `#${place.id}:outerHTML`).join(",");
  isAsking = true; // one after the other: of what waits, htmx would keep the last alone
  htmx
    .ajax("GET", document.body.dataset.page, { source: document.body, swap: "none", selectOOB })
    .catch(() => {}) // no answer: the feed is gone too, and all is asked when it is there again
    .finally(() => {
      isAsking = false;
      refresh([]);
    });
}

// The page stays, with what was typed into it or is shown only once, and asks no more.
function tellStale(feed) {
  feed.close();
  const note = say("stale", "warn", "What this page shows is gone, or you may see it no more. ");
  const again = document.createElement("a");
  again.href = document.body.dataset.page;
  again.textContent = "Load it again";
  note.append(again);
  document.getElementById("main").prepend(note);
}

function listen(address) {
  const feed = new EventSource(address);
  for (const topic of TOPICS) feed.addEventListener(topic, () => refresh([topic]));
  feed.addEventListener("stream-open", () => refresh(TOPICS)); // what came before it was open
  feed.addEventListener("stream-error", (event) => {
    if (JSON.parse(event.data).condition === "forbidden") tellStale(feed);
  });
  document.addEventListener("htmx:responseError", (event) => {
    if ([403, 404].includes(event.detail.xhr.status)) tellStale(feed);
    else setTimeout(() => refresh(TOPICS), 10 * SECOND); // the hub may be busy
  });
  addEventListener("pagehide", () => feed.close());
  // What a form changes comes back by the feed before the next page does. A download leaves the page here.
  addEventListener("beforeunload", () => {
    isLeaving = true;
    setTimeout(() => {
      isLeaving = false;
      refresh([]);
    }, 5 * SECOND);
  });
  document.addEventListener("visibilitychange", () => refresh([]));
  document.addEventListener("pointerdown", (event) => (isPressed = event.button === 0));
  for (const end of ["pointerup", "pointercancel"]) {
    document.addEventListener(end, () => {
      isPressed = false;
      setTimeout(() => refresh([])); // after the click
    });
  }
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (!isPressed) return;
    event.preventDefault();
    TOPICS.forEach((topic) => missed.add(topic));
  });
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-copy]");
  if (button) copy(button);
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});

document.addEventListener("keydown", (event) => {
  const menu = event.key === "Escape" && document.querySelector("details.menu[open]");
  if (menu) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});

// allauth's passkey scripts say so when the browser gave none, and would tell nobody.
document.addEventListener("allauth.error", (event) => {
  event.preventDefault();
  const words = "Your browser gave no passkey: it was cancelled, took too long, or there is none for this site.";
  document.querySelector("h1").after(say("passkey-note", "bad", words));
});

// Enter in the form that adds a passkey does as its button: only a script can ask the device.
document.addEventListener("submit", (event) => {
  const add = event.target.querySelector("#mfa_webauthn_add");
  if (add) {
    event.preventDefault();
    add.click();
  }
});

document.addEventListener("htmx:afterSettle", tellTime);
document.addEventListener("htmx:oobAfterSwap", tellTime);
tellTime();
setInterval(tellTime, 10 * SECOND);
if (document.body.dataset.feed) listen(document.body.dataset.feed);
