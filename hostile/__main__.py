from hostile import main

main()
