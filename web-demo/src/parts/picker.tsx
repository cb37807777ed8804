/** A file, chosen or dropped. */
import { useState } from "preact/hooks";

interface PickerProps {
  readonly accept: string;
  readonly label: string;
  readonly hint: string;
  readonly onFile: (file: File) => void;
}

export function Picker({ accept, label, hint, onFile }: PickerProps) {
  const [over, setOver] = useState(false);
  return (
    <label
      class="picker"
      data-over={over}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        event.preventDefault();
        setOver(false);
        const file = event.dataTransfer?.files[0];
        if (file) onFile(file);
      }}
    >
      <input
        class="unseen"
        type="file"
        accept={accept}
        onChange={(event) => {
          const input = event.currentTarget;
          const file = input.files?.[0];
          if (file) onFile(file);
          input.value = ""; // the same file can be chosen again
        }}
      />
      <strong>{label}</strong> <span>{hint}</span>
    </label>
  );
}
