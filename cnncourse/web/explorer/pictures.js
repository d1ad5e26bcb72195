/* Images from outside: a file that is opened, dropped or pasted. They stay in the page. */
(() => {
  "use strict";

  /** The largest part in the middle of a picture that has this shape, scaled to it.
   * @param {CanvasImageSource & {width: number, height: number}} source @param {number} width @param {number} height
   * @param {{gray?: boolean}} [options] @returns {ImageData} */
  function fit(source, width, height, { gray = false } = {}) {
    const w = source.naturalWidth || source.width, h = source.naturalHeight || source.height;
    const part = Math.min(w / width, h / height), [sw, sh] = [width * part, height * part];
    const canvas = Object.assign(document.createElement("canvas"), { width, height });
    const pen = canvas.getContext("2d", { willReadFrequently: true });
    pen.imageSmoothingQuality = "high";
    pen.fillStyle = "#fff"; // under what is transparent
    pen.fillRect(0, 0, width, height);
    pen.drawImage(smaller(source, [(w - sw) / 2, (h - sh) / 2, sw, sh], width, height), 0, 0, width, height);
    const image = pen.getImageData(0, 0, width, height), { data } = image;
    for (let i = 0; gray && i < data.length; i += 4) data.fill(0.299 * data[i] + 0.587 * data[i + 1] + 0.114 * data[i + 2], i, i + 3);
    return image;
  }

  /** A part of a picture, halved until one more step does the rest: browsers skip pixels otherwise. */
  function smaller(source, part, width, height) {
    let from = source, rest = part;
    do {
      const near = rest[2] <= 2 * width;
      const next = Object.assign(document.createElement("canvas"), {
        width: Math.round(near ? rest[2] : Math.max(width, rest[2] / 2)), height: Math.round(near ? rest[3] : Math.max(height, rest[3] / 2)),
      });
      const context = next.getContext("2d");
      context.imageSmoothingQuality = "high";
      context.drawImage(from, ...rest, 0, 0, next.width, next.height);
      [from, rest] = [next, [0, 0, next.width, next.height]];
    } while (rest[2] > 2 * width);
    return from;
  }

  /** Listen for images, and hand each on as a bitmap with its name, or say that a file is none.
   * @param {HTMLElement} root over which they may be dropped @param {HTMLInputElement} input
   * @param {(bitmap: ImageBitmap, name: string) => any} take @param {(text: string) => void} tell */
  function watch(root, input, take, tell) {
    const open = async (files) => {
      for (const file of files) {
        const name = file.name || "your image";
        let bitmap;
        try {
          bitmap = await createImageBitmap(file);
        } catch {
          tell(`${name} is no image that this browser can read.`);
          continue;
        }
        await take(bitmap, name);
        bitmap.close();
      }
    };
    const some = (files) => open(input.multiple ? [...files] : [...files].slice(0, 1));
    input.addEventListener("change", async () => {
      await some(input.files);
      input.value = ""; // the same file may be chosen again
    });
    root.classList.add("explorer-drop");
    document.addEventListener("paste", ({ clipboardData: { files } }) => {
      const alone = document.querySelectorAll(".explorer-drop").length === 1; // else it goes to where one is
      if (files.length && root.isConnected && (alone || root.contains(document.activeElement))) some(files);
    });
    let inside = 0;
    const over = (change) => root.classList.toggle("explorer-over", (inside = change ? Math.max(0, inside + change) : 0) > 0);
    root.addEventListener("dragenter", () => over(1));
    root.addEventListener("dragleave", () => over(-1));
    root.addEventListener("dragover", (event) => event.preventDefault());
    root.addEventListener("drop", (event) => {
      event.preventDefault();
      over(0);
      some(event.dataTransfer.files);
    });
  }

  /** A button that shows what the camera sees, and then hands on what it sees; only where a page is served.
   * @param {(bitmap: ImageBitmap, name: string) => any} take @param {(text: string) => void} tell @returns {HTMLElement[]} */
  function camera(take, tell) {
    if (!navigator.mediaDevices?.getUserMedia || !location.protocol.startsWith("http")) return [];
    const open = Object.assign(document.createElement("button"), { type: "button", className: "explorer-camera", textContent: "Use the camera" });
    const video = Object.assign(document.createElement("video"), { muted: true, playsInline: true, hidden: true });
    const show = (on) => { video.hidden = !on; open.textContent = on ? "Take the photo" : "Use the camera"; };
    open.addEventListener("click", async () => {
      if (video.hidden) {
        try {
          video.srcObject = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
          await video.play();
          show(true);
        } catch {
          tell("There is no camera that this page may use.");
        }
        return;
      }
      const bitmap = await createImageBitmap(video);
      video.srcObject.getTracks().forEach((track) => track.stop());
      show(false);
      await take(bitmap, "your photo");
      bitmap.close();
    });
    return [open, video];
  }

  globalThis.cnncourse = Object.assign(globalThis.cnncourse || {}, { pictures: { fit, watch, camera } });
})();
