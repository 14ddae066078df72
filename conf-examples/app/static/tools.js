// Each button is a tool below /tools/, and its answer goes onto the page.

const form = document.querySelector("form");
const output = document.querySelector("output");

const tools = {
  compare: (text, other) => JSON.stringify({ old: text, new: other }),
  inspect: (text) => text,
  sort: (text) => text,
};

async function ask(tool) {
  const body = tools[tool](form.text.value, form.other.value);
  const response = await fetch(`/tools/${tool}`, { method: "POST", body });
  const answer = await response.text();

  if (!response.ok) {
    throw new Error(`${tool}: ${response.status}`);
  }

  return answer;
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();

  try {
    output.textContent = await ask(event.submitter.value);
  } catch (error) {
    output.textContent = error.message;
  }
});
