// What a script in Node imports that `outside.answer_of_node` starts.

// An idle event loop may deadlock with V8's threads (nodejs/node#54918): this keeps it awake.
const awake = setInterval(() => {}, 2 ** 30);

/** Give the answer, a JSON text; it is the last that a script does. */
export function answer(text) {
  console.log("answer", text);
  clearInterval(awake);
}
