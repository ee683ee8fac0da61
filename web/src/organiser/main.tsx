document.body.append('soon');
export {}
