"use strict";

const dialog = document.getElementById("confirm");
const outcome = document.getElementById("outcome");

/** Asks, and resolves to whether the answer was yes. */
function confirmed(question) {
  dialog.querySelector("p").textContent = question;
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  });
}

/** Sends a request without a body; resolves to nothing, or to what went wrong. */
async function send(method, url) {
  try {
    const response = await fetch(url, { method });
    return response.ok ? null : `${response.status} ${await response.text()}`;
  } catch (error) {
    return String(error);
  }
}

function showGroupCount(count) {
  document.getElementById("group-count").textContent = String(count);
  const wipe = document.getElementById("wipe");
  if (wipe) {
    wipe.disabled = count === 0;
  }
}

async function deleteGroup(button) {
  const group = button.closest(".group");
  const labels = button.dataset.labels;
  if (!(await confirmed(`Do you really want to delete all metrics of group ${labels}?`))) {
    return;
  }
  const problem = await send("DELETE", button.dataset.delete);
  if (problem) {
    outcome.textContent = `Group ${labels} could not be deleted: ${problem}`;
    return;
  }
  outcome.textContent = `Group ${labels} was deleted.`;
  group.remove();
  showGroupCount(Number(document.getElementById("group-count").textContent) - 1);
}

async function wipe(button) {
  const count = document.getElementById("group-count").textContent;
  if (!(await confirmed(`Do you really want to delete all metrics of all ${count} groups?`))) {
    return;
  }
  const problem = await send("PUT", button.dataset.wipe);
  if (problem) {
    outcome.textContent = `The groups could not be deleted: ${problem}`;
    return;
  }
  outcome.textContent = "All groups were deleted.";
  document.querySelectorAll(".group").forEach((group) => group.remove());
  showGroupCount(0);
}

/** Fetches the metrics of a group that the page came without. */
async function loadGroup(group) {
  const families = group.querySelector(".families");
  const link = families.querySelector("a.load");
  if (!link) {
    return;
  }
  try {
    const response = await fetch(link.href);
    if (!response.ok) {
      throw new Error(`${response.status} ${await response.text()}`);
    }
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    const loaded = page.querySelector(".group .families");
    families.replaceChildren(...(loaded ? loaded.childNodes : ["This group is gone."]));
  } catch (error) {
    outcome.textContent = `The metrics could not be loaded: ${error}`;
  }
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button?.dataset.delete) {
    deleteGroup(button);
  } else if (button?.dataset.wipe) {
    wipe(button);
  }
});

// The event does not bubble.
document.addEventListener(
  "toggle",
  (event) => {
    if (event.target.open && event.target.matches(".group")) {
      loadGroup(event.target);
    }
  },
  true,
);
