/** The page: three ways to see that the engines agree. */
import { render } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { simdMissing } from "./engines/all";
import { DigitFlow } from "./flows/digit";
import { ModelFlow } from "./flows/model";
import { TextFlow } from "./flows/text";

const FLOWS = [
  { id: "digit", title: "A digit", flow: DigitFlow },
  { id: "text", title: "Text in a picture", flow: TextFlow },
  { id: "model", title: "Any model", flow: ModelFlow },
] as const;

function chosen() {
  const id = location.hash.slice(1);
  return FLOWS.find((flow) => flow.id === id) ?? FLOWS[0];
}

function Page() {
  const [shown, setShown] = useState(chosen);
  const main = useRef<HTMLElement>(null);
  useEffect(() => {
    const change = () => {
      setShown(chosen());
      main.current?.focus();
    };
    addEventListener("hashchange", change);
    return () => removeEventListener("hashchange", change);
  }, []);
  const missing = simdMissing();
  return (
    <>
      <header>
        <p class="name">
          <span class="mark" aria-hidden="true">
            ≡
          </span>{" "}
          likewise
        </p>
        <h1>
          <span>One model, three engines,</span> <span>the same answer.</span>
        </h1>
        <p class="lead">
          likewise compiles an ONNX model to a small WebAssembly module. Here it runs beside the
          reference, all of it in your browser: nothing that you draw, open or drop leaves it.
        </p>
        <nav aria-label="Demonstrations">
          {FLOWS.map(({ id, title }) => (
            <a key={id} href={`#${id}`} aria-current={shown.id === id ? "page" : undefined}>
              {title}
            </a>
          ))}
        </nav>
      </header>
      {missing && (
        <p class="notice" role="alert">
          {missing}
        </p>
      )}
      <main ref={main} tabIndex={-1} aria-label={shown.title}>
        <shown.flow key={shown.id} />
      </main>
    </>
  );
}

const place = document.getElementById("page");
if (place) render(<Page />, place);
