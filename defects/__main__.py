from defects import main

main()
