// Wide tables and code scroll inside the page: let the keyboard reach them.
document.addEventListener("DOMContentLoaded", () => {
    for (const part of document.querySelectorAll(".table-wrapper, .highlight pre")) part.tabIndex = 0;
});
