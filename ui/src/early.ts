// Runs before the first paint, so that a chosen theme does not flash. Everything else is in main.tsx.
const theme = localStorage.getItem("durahub.theme");
if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;

export {};
