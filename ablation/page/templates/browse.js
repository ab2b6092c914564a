// Finds test clips by their action, and by which arms are right about them, and says what each arm takes a clip for.

{
  const box = document.getElementById("player");
  const find = box && box.querySelector(".find");
  if (find) {
    const clips = JSON.parse(box.querySelector("#clips").textContent);
    const [action, chooser, count] = [find.querySelector(".action"), box.querySelector(".clip"), find.querySelector(".count")];
    const right = [...find.querySelectorAll(".right")];
    const rows = [...box.querySelector(".taken").tBodies[0].rows];

    const fits = (one) =>
      (action.value === "" || one.label === Number(action.value)) &&
      right.every(({ value }, arm) => value === "" || (one.taken && (one.taken[arm][0] === one.label) === (value === "1")));

    const list = () => {
      chooser.replaceChildren();
      clips.forEach((one, at) => {
        const why = one.why ? `: ${one.why.split(/[;:]/)[0]}` : "";
        if (fits(one)) chooser.add(new Option(`${one.action} (${one.name})${why}`, at));
      });
      const number = (some) => new Set(some.map(({ name }) => name)).size;  // a few are in the list twice
      count.textContent = chooser.length ? `${number(clips.filter(fits))} of ${number(clips)}` : "no clip fits";
    };

    const tell = () => {
      const one = clips[chooser.value];
      rows.forEach((row, arm) => {
        const cells = [...row.cells].slice(1);
        const taken = one && one.taken && one.taken[arm];
        row.classList.toggle("wrong", Boolean(taken) && taken[0] !== one.label);
        const said = taken ? `${taken[0] === one.label ? "\u2713" : "\u2717"} ${action.options[taken[0] + 1].text}` : "";
        cells.forEach((cell, at) => (cell.textContent = taken ? (at ? taken[at] : said) : ""));
      });
    };

    const step = (by) => {
      if (!chooser.length) return;
      chooser.selectedIndex = (chooser.selectedIndex + by + chooser.length) % chooser.length;
      chooser.dispatchEvent(new Event("change"));
    };

    chooser.addEventListener("change", tell);
    find.addEventListener("change", () => {
      list();
      if (chooser.length) step(0);
      else tell();
    });
    find.querySelector(".previous").addEventListener("click", () => step(-1));
    find.querySelector(".next").addEventListener("click", () => step(1));
    list();
    tell();
  }
}
