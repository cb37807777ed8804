import { check } from "/check.js";

check().then(
  (found) => postMessage(found),
  (error) => postMessage({ error: String(error) }),
);
