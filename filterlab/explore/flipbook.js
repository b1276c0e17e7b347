// A flipbook turns its pages by a link between widgets; its script names the slider's handle and hides the still picture.

function render({ model, el }) {
  const live = listeners();
  const root = element("div", { className: "filterlab" });
  el.append(root);
  hideStill(root, model);
  nameHandles(root, live);
  return () => live.stop();
}

export default { render };
